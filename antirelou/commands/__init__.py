"""The command line: on top of all, the one place that imports services and the simulator."""
