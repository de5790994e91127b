"""A checkpoint where it is used: exported to ONNX, its cost measured, its scores after export."""
