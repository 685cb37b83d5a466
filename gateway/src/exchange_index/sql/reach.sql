SELECT entry, segment, "offset", leaf FROM reach WHERE version = ?1
