"""The rules of the ten behaviors: functions of an inventory entry, a behavior and the current time.

One module per behavior. They don't depend on HTTP or storage. A function that can deny returns the
reason as a sentence, or None to allow. A function that changes an entry returns the changed copy. `getting`
and `using` put them together.
"""
