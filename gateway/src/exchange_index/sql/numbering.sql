SELECT key FROM numbering WHERE only = 0
