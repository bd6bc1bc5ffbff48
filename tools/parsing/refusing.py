"""What a parser says of a file that it does not read. Imported in the child: nothing of ours is needed here."""

STATUS = 3  # of a child that has refused its file: what it wrote is the sentence


class Refused(Exception):
    """One sentence for the person whose file it is; nothing of what stands in the file."""
