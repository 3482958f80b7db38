"""The engine by itself: its judgment, driven by plain lists of outcomes, without any I/O."""
