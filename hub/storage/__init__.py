"""What the hub keeps and how it is reached: tables, the store, the key ring."""
