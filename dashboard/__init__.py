"""The people's door: Streamlit pages that only read the database. `gans dashboard` serves them."""
