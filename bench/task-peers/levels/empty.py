# What a process has to do when only its start is measured.
