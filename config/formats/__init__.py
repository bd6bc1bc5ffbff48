"""One form of dates in every language: the year first, 24 hours to a day, so that they compare as they read."""

DATE = "Y-m-d"
TIME = "H:i:s"
DATETIME = f"{DATE} {TIME}"
