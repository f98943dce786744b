"""What is left when somebody is erased: emptied rows, the list of erasures, stations asked to follow."""
