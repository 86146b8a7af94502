"""HL7 over the network: every message durable before it is answered, every repeat answered alike."""
