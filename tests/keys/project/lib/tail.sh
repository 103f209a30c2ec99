tail_of() { echo tail; }
