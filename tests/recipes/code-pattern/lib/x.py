lib/x.py
