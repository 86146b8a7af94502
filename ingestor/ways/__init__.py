"""Ways in: folder, serial line, HL7, many files at once. All end in `flow.pipeline`."""
