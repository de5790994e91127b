"""One model and one language from the command line, without a grid."""
