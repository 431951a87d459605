"""A network in an ONNX file: checked before it is opened, run on batches of images, inspected layer by layer."""
