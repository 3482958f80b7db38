"""The rules of the ten behaviors: functions of an inventory entry, a behavior and the current time.

One module per behavior. None of them knows of HTTP or of storage. A function that may say no returns the
reason as a sentence, or None to allow; a function that changes an entry returns the changed copy. `getting`
and `using` put them together.
"""
