"""Gans collects what moves people in a city and keeps it in one SQL database."""

__version__ = "0.1.0"
