"""The services. They know the topics and the kernel, never each other."""
