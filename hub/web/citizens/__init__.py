"""The citizens' pages: prove a phone, declare for oneself or relatives, carry the QR away, find it again."""
