plot.py
