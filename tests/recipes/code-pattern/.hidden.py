.hidden.py
