"""Every minute of the stations, small and for ever: hours of captures as Parquet, and the history that follows from them."""
