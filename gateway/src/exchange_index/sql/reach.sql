SELECT entry, segment, "offset", leaf FROM reach WHERE only = 0
