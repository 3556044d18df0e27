import ArgumentParser
import Checkpoints
import Configuration
import Data
import Evaluation
import Foundation
import Imaging
import NN
import Optimizers
import TensorFiles
import Torch
import Training

/// How the program ends: what it says, and the number it leaves (those of sysexits.h, and 1).
enum ExitStatus: Int32 {
    case done = 0
    /// Two files that were compared differ, as for `diff` and `cmp`.
    case differs = 1
    /// A wrong command line or configuration.
    case usage = 64
    /// Pictures or checkpoints that cannot be used.
    case badData = 65
    /// An error of the program itself.
    case internalError = 70
    /// Memory ran out, on a device or the machine.
    case outOfMemory = 71
    /// A file that cannot be written.
    case cannotWrite = 73
    /// Stopped by a signal; `tessera resume` continues.
    case interrupted = 75

    static func end(with error: any Error) -> Never {
        switch error {
        case let status as ExitCode:
            Foundation.exit(status.rawValue)
        case let error as TensorFileError where [.diskFull, .unwritable].contains(error.kind):
            say(error, .cannotWrite)
        case is RunFileError:
            say(error, .cannotWrite)
        case is InterruptedEmbedding:
            say(error, .interrupted)
        case let error as CocoaError where error.isAboutWriting:
            say(UsageError(error.localizedDescription), .cannotWrite)
        case let error as DataError where error.kind == .invalidPipeline:
            say(error, .usage)
        case is ConfigurationError, is RunFolderError, is LibTorchError, is UsageError:
            say(error, .usage)
        case is TensorFileError, is DataError, is ImageError, is LoadError, is TrainingError,
            is EvaluationError, is CheckpointError, is OptimizerStateError,
            is UnsupportedElementType:
            say(error, .badData)
        default:
            // Help, version and wrong arguments have their own texts and numbers.
            let status = Tessera.exitCode(for: error)
            guard status == .failure else { Tessera.exit(withError: error) }
            say(error, .internalError)
        }
    }

    /// The end after an operator of libtorch failed.
    static func end(with failure: TorchFailure) -> Never {
        if failure.isOutOfMemory {
            say(
                UsageError(
                    "out of memory in \(failure.operation): in training raise run.accumulation, "
                        + "which divides data.batchSize into parts, set run.activationCheckpointing=true or "
                        + "run.precision=bfloat16; elsewhere lower the batch size"),
                .outOfMemory)
        }
        if failure.isNondeterministic {
            say(
                UsageError(
                    "\(failure.operation) has no form whose results repeat to the bit on this "
                        + "device: set run.deterministic=false"), .usage)
        }
        say(failure, .internalError)
    }

    private static func say(_ error: any Error, _ status: ExitStatus) -> Never {
        FileHandle.standardError.write(Data("tessera: \(error)\n".utf8))
        Foundation.exit(status.rawValue)
    }
}

extension CocoaError {
    /// Whether a file could not be written, for a full disk for instance.
    fileprivate var isAboutWriting: Bool {
        [
            .fileWriteOutOfSpace, .fileWriteNoPermission, .fileWriteVolumeReadOnly,
            .fileWriteUnknown,
        ].contains(code)
    }
}

/// The command line asks for something that cannot be.
struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
