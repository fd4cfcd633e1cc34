"""The one seam where chaos may hurt a part from inside."""
