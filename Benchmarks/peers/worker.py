"""One side of a benchmark: PyTorch's.

    python worker.py '{"workload": "vitStep", "batch": 16, ...}'

Prepares the workload, warms it up and prints a line of JSON about itself. Then each line on
standard input asks for one measurement, which is printed as a line of JSON; the end of the input
ends the process.
"""

import json
import os
import resource
import sys
import time

import torch

import checkpoints
import joint_embedding
import linear_sweep
import loading
import masked_autoencoder
import neighbors
import operators
import readouts
import self_distillation
import vision_transformer

WORKLOADS = {
    "add": operators.add,
    "recordedMultiply": operators.recorded_multiply,
    "linear": operators.linear,
    "attention": operators.attention,
    "matrixProduct": operators.matrix_product,
    "vitStep": vision_transformer.step,
    "maeStep": masked_autoencoder.step,
    "jepaStep": joint_embedding.step,
    "ibotStep": self_distillation.step,
    "neighbors": neighbors.classify,
    "readOuts": readouts.epoch,
    "sweep": linear_sweep.train,
    "load": loading.load,
    "checkpoint": checkpoints.load,
}


def memory(key):
    """Bytes of this process in memory as the kernel counts them: mapped files included."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0


def start_peak():
    """Begins a new peak and gives what is resident now."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return memory("VmRSS:")


def main():
    settings = json.loads(sys.argv[1])
    device = torch.device(settings["device"])
    if settings["threads"] > 0:
        torch.set_num_threads(settings["threads"])
    torch.manual_seed(0)
    if settings["deterministic"]:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("this PyTorch sees no GPU")
    run = WORKLOADS[settings["workload"]](settings, device)
    # A workload may bring what is to be done before each measurement.
    prepare, run = run if isinstance(run, tuple) else (lambda: None, run)

    def wait():
        if device.type == "cuda":
            torch.cuda.synchronize()

    if settings["workload"] != "checkpoint":
        for _ in range(2):
            run()
    wait()
    print(json.dumps({"version": f"PyTorch {torch.__version__}"}), flush=True)
    for _ in sys.stdin:
        prepare()
        before = resource.getrusage(resource.RUSAGE_SELF)
        resident = start_peak()
        start = time.perf_counter()
        run()
        wait()
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        peak = after.ru_maxrss * 1024
        if device.type == "cuda":
            peak = torch.cuda.max_memory_allocated()
        sample = {
            "seconds": seconds,
            "processorSeconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "pageFaults": after.ru_minflt - before.ru_minflt,
            "peakMemory": peak,
            "extraMemory": memory("VmHWM:") - resident,
        }
        print(json.dumps(sample), flush=True)


main()
