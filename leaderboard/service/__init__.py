"""The board as a web service: the API, its pages, and who may do what."""
