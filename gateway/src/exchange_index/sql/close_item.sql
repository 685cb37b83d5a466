UPDATE item SET closing_segment = ?2, closing_offset = ?3 WHERE number = ?1
