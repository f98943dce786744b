"""A fleet that is not there: stations whose boards, gates and visitors are invented, on real lines to a real broker."""
