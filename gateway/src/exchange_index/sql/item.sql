SELECT segment, "offset", closing_segment, closing_offset FROM item WHERE number = ?1
