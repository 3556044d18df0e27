import TensorFiles

// Every way in which a pickle reaches a function or makes an instance.
extension HostileForm {
    static let calls: [HostileForm] = [
        .init("GLOBAL, REDUCE", pickle: "cos\nsystem\n(S'id'\ntR.", .record("os.system('id')")),
        .init(
            "STACK_GLOBAL",
            pickle: "\u{80}\u{4}\u{8C}\u{2}os\u{8C}\u{6}system\u{93}\u{8C}\u{2}id\u{85}R.",
            .record("os.system('id')")),
        .init(
            "STACK_GLOBAL of names out of the memo",
            pickle:
                "\u{80}\u{4}\u{8C}\u{6}system\u{94}\u{8C}\u{2}os\u{94}00h\u{1}h\u{0}\u{93}\u{8C}\u{2}id\u{85}R.",
            .record("os.system('id')")),
        .init(
            "STACK_GLOBAL of an attribute of a harmless module",
            pickle:
                "\u{80}\u{4}\u{8C}\u{5}torch\u{8C}\u{17}serialization.os.system\u{93}\u{8C}\u{2}id\u{85}R.",
            .record("torch.serialization.os.system('id')")),
        .init(
            "STACK_GLOBAL of no module",
            pickle: "\u{80}\u{4}\u{8C}\u{0}\u{8C}\u{9}os.system\u{93})R.",
            .record(".os.system()")),
        .init(
            "STACK_GLOBAL of bytes", pickle: "\u{80}\u{4}C\u{2}osC\u{6}system\u{93}.",
            .refused(.malformed, "names a class by something that is no text")),
        .init("INST", pickle: "(S'id'\nios\nsystem\n.", .record("os.system('id')")),
        .init("OBJ", pickle: "(cos\nsystem\nS'id'\no.", .record("os.system('id')")),
        .init(
            "NEWOBJ", pickle: "\u{80}\u{2}cos\nsystem\n(S'id'\nt\u{81}.", .record("os.system('id')")
        ),
        .init(
            "NEWOBJ_EX with keywords",
            pickle: "\u{80}\u{4}csubprocess\nPopen\n)}(Vargs\nVid\nVshell\n\u{88}u\u{92}.",
            .record("subprocess.Popen()")),
        .init(
            "BUILD with a state that __setstate__ would run",
            pickle: "cbdb\nBdb\n)\u{81}}(Vrun\ncos\nsystem\nub.",
            .record("bdb.Bdb() with {'run': os.system}")),
        .init(
            "BUILD of an attribute of a module",
            pickle: "cos\npath\n)R}(Vjoin\ncos\nsystem\nub.",
            .record("os.path() with {'join': os.system}")),
        .init(
            "BUILD with slots", pickle: "ca\nB\n)\u{81}(N}(V__call__\ncos\nsystem\nutb.",
            .record("a.B() with (None, {'__call__': os.system})")),
        .init(
            "EXT1", pickle: "\u{80}\u{2}\u{82}\u{5}(S'id'\ntR.",
            .record("copyreg.extension.5('id')")),
        .init("EXT2", pickle: "\u{80}\u{2}\u{83}\u{1}\u{1})R.", .record("copyreg.extension.257()")),
        .init(
            "EXT4", pickle: "\u{80}\u{2}\u{84}\u{FF}\u{FF}\u{FF}\u{FF})R.",
            .record("copyreg.extension.4294967295()")),
        .init(
            "copyreg.add_extension",
            pickle: "ccopyreg\nadd_extension\n(S'os'\nS'system'\nK\u{5}tR0\u{82}\u{5})R.",
            .record("copyreg.extension.5()")),
        .init("PERSID", pickle: "\u{80}\u{2}Pos.system\n.", .record("persistent 'os.system'")),
        .init(
            "BINPERSID of a call", pickle: "(cos\nsystem\n(S'id'\ntRtQ.",
            .record("persistent (os.system('id'),)")),
        .init(
            "BINPERSID of a storage whose class is a function",
            Fixture.zip(
                PicklePrograms.bytes(
                    "(Vstorage\ncos\nsystem\nV0\nVcpu\nK\u{1}tQ."), storages: []),
            .record("persistent ('storage', os.system, '0', 'cpu', 1)")),
        .init(
            "a tensor over such a storage",
            Fixture.zip(
                PicklePrograms.bytes(
                    "ctorch._utils\n_rebuild_tensor_v2\n((Vstorage\ncos\nsystem\nV0\nVcpu\nK\u{1}tQ"
                        + "K\u{0}(K\u{1}t(K\u{1}t\u{89}}tR."), storages: []),
            .refusedTensor("lies over a storage of an unknown class")),
        .init(
            "BINPERSID of the source of a module",
            pickle: "(Vmodule\nca\nB\nVb.py\nVimport os; os.system('id')\ntQ.",
            .record("persistent ('module', a.B, 'b.py'")),
        .init(
            "an item assignment on a call's result", pickle: "cos\nenviron\n)RVPATH\nV/tmp\ns.",
            .record("os.environ() {'PATH': '/tmp'}")),
        .init(
            "APPENDS on a call's result", pickle: "csys\npath\n)R(V/tmp\ne.",
            .record("sys.path() ['/tmp']")),
        .init(
            "copyreg._reconstructor",
            pickle: "ccopyreg\n_reconstructor\n(cos\nsystem\nc__builtin__\nobject\nNtR.",
            .record("os.system()")),
        .init(
            "__reduce_ex__ of an argument", pickle: "cos\nsystem\n(cos\ngetenv\n(S'HOME'\ntRtR.",
            .record("os.system(os.getenv('HOME'))")),
        .init(
            "a call of the result of a call",
            pickle:
                "cbuiltins\ngetattr\n(cbuiltins\n__import__\n(S'os'\ntRS'system'\ntR(S'id'\ntR.",
            .record("the result of a call('id')")),
        .init(
            "_rebuild_from_type_v2 with a function of choice",
            pickle: "ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nca\nB\n(S'id'\nt}tR.",
            .record("torch._tensor._rebuild_from_type_v2(os.system")),
        .init(
            "_rebuild_from_type_v2 within itself",
            pickle:
                "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nca\nB\n"
                + "(cos\nsystem\nca\nB\n(S'id'\nt}t}tR.",
            .record("torch._tensor._rebuild_from_type_v2(torch._tensor")),
        .init(
            "defaultdict with a factory", pickle: "ccollections\ndefaultdict\n(cos\nsystem\ntR.",
            .record("{}")),
        .init(
            "Counter of a call", pickle: "ccollections\nCounter\n(cos\nsystem\n(S'id'\ntRtR.",
            .record("collections.Counter(os.system('id'))")),
        .init(
            "numpy's _reconstruct of a function",
            pickle: "cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\n(K\u{0}tC\u{1}btR.",
            .record("numpy.core.multiarray._reconstruct(os.system")),
    ]

    /// Functions that run code, read or write files, open connections or load other pickles.
    static let gadgets: [HostileForm] = [
        "os system", "posix system", "nt system", "os popen", "os execv", "os spawnl", "os remove",
        "pty spawn", "subprocess Popen", "subprocess check_output", "subprocess getoutput",
        "commands getoutput", "builtins eval", "builtins exec", "builtins compile",
        "builtins getattr", "builtins __import__", "builtins open", "builtins breakpoint",
        "builtins map", "__builtin__ apply", "__builtin__ execfile", "functools partial",
        "functools reduce", "operator attrgetter", "operator methodcaller", "operator itemgetter",
        "itertools starmap", "types CodeType", "types FunctionType", "marshal loads",
        "importlib import_module", "importlib.util spec_from_file_location", "pkgutil resolve_name",
        "zipimport zipimporter", "runpy run_path", "runpy _run_code", "code InteractiveInterpreter",
        "codeop compile_command", "timeit timeit", "timeit repeat", "bdb Bdb", "pdb run",
        "pdb runcall", "profile run", "cProfile run", "trace Trace", "doctest debug_script",
        "pydoc pipepager", "pydoc locate", "pip main", "pip._internal main",
        "ensurepip _run_pip", "venv create", "idlelib.run Executive",
        "lib2to3.pgen2.grammar Grammar.loads", "distutils.file_util write_file",
        "logging.config dictConfig", "ctypes CDLL", "ctypes.util find_library", "_ctypes dlopen",
        "cffi FFI", "asyncio.unix_events _UnixSubprocessTransport",
        "multiprocessing.util spawnv_passfds", "concurrent.futures ProcessPoolExecutor",
        "_xxsubinterpreters run_string", "uuid _get_command_stdout", "webbrowser open",
        "urllib.request urlopen", "socket create_connection", "ssl get_server_certificate",
        "smtplib SMTP", "imaplib IMAP4_stream", "http.server test", "shutil rmtree",
        "shutil make_archive", "io open_code", "pathlib Path.write_text", "tempfile mkstemp",
        "pickle loads", "_pickle loads", "dill loads", "cloudpickle loads", "joblib load",
        "pandas read_pickle", "shelve open", "yaml unsafe_load", "numpy load",
        "numpy.testing._private.utils runstring", "numpy.f2py.crackfortran getlincoef",
        "torch load", "torch.hub load", "torch.hub load_state_dict_from_url", "torch.jit load",
        "torch.ops load_library", "torch.classes load_library", "torch.utils.cpp_extension load",
        "torch._inductor.codecache compile_file", "torch.fx.graph_module reduce_graph_module",
        "torch.utils._config_module ConfigModule.load_config", "torch.serialization load",
        "torch.distributed.rpc.internal _run_function", "torch.package PackageImporter",
        "tensorflow.keras.models load_model", "sqlite3 connect", "signal signal", "sys exit",
        "gc get_objects", "ast literal_eval", "site execsitecustomize", "nturl2path url2pathname",
    ].map { text in
        let parts = text.split(separator: " ")
        return HostileForm(
            text,
            Fixture.zip(
                PicklePrograms.bytes("\u{80}\u{2}c\(parts[0])\n\(parts[1])\n(S'id'\ntR."),
                storages: []),
            .record("\(parts[0]).\(parts[1])('id')"))
    }
}
