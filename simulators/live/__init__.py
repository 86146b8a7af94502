"""Machines that talk while they work: on a serial line, on a socket, by HL7 over the network."""
