public import Checkpoints
public import Data
public import VisionModels

/// A method that trains a classifier on labelled pictures, from the weights of a pre-trained encoder.
///
/// It is a method like the others to the loop, which gives it pictures with their labels.
public protocol ClassifyingMethod: PretrainingMethod where Config: ClassifyingConfiguration {
    /// What is scored on test pictures: the classifier that evaluation and export use, then others
    /// beside it, with what their scores are called.
    var classifiers: [(name: String, model: any ImageClassifier)] { get }

    /// Copies the weights that the run begins with into the classifier; called once, before the first
    /// step of a run.
    ///
    /// - Returns: what of the file reached the model; nil where nothing was to be loaded.
    /// - Throws: what reading the file throws; `CheckpointError` where it does not fit.
    func start() throws -> CoverageReport?
}

/// The settings of a method that trains a classifier.
public protocol ClassifyingConfiguration: MethodConfiguration {
    /// The length of the logits; nil for the classes of the pictures.
    var classes: Int? { get }

    /// How test pictures are cut out.
    func testPictures(imageSize: Int) -> TestPictures

    /// Settings that follow from the pictures, such as the number of their classes.
    ///
    /// - Throws: `ConfigurationError` or `DataError` for pictures without labels, or of more classes
    ///   than the settings say.
    func settings(for source: any ImageSource) throws -> [String]
}
