"""Documents as people have them, and as nobody should: small makers of PDF and Word files."""

import io
import zipfile
from collections.abc import Sequence

from pypdf import PdfReader, PdfWriter

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(*pages: str, title: str = "") -> bytes:
    """A PDF with a line of text on each page; an empty one has a page without text."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        drawn = f"BT /F1 12 Tf 20 700 Td ({text}) Tj ET".encode("latin-1") if text else b""
        font = "/Resources << /Font << /F1 3 0 R >> >>"
        place = f"/Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * number} 0 R"
        objects.append(f"<< /Type /Page {place} {font} >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    objects.append(f"<< /Title ({title}) >>".encode())
    return whole_pdf(objects, info=len(objects))


def whole_pdf(objects: Sequence[bytes], info: int = 0) -> bytes:
    """These objects, from number 1, with their table."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, each in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % each for each in places)
    told = b" /Info %d 0 R" % info if info else b""
    out += b"trailer\n<< /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, told, at)
    return bytes(out)


def locked_pdf(password: str) -> bytes:
    """One that opens with this password only."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("Nobody reads this"))))
    writer.encrypt(password, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def docx(body: str, styles: str = "", title: str = "") -> bytes:
    """A Word file with this in its body, as its XML has it."""
    files = {"word/document.xml": f'<w:document xmlns:w="{WORD}" xmlns:mc="mc"><w:body>{body}</w:body></w:document>'}
    if styles:
        files["word/styles.xml"] = f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>'
    if title:
        files["docProps/core.xml"] = f'<cp:core xmlns:cp="c" xmlns:dc="d"><dc:title>{title}</dc:title></cp:core>'
    return zipped(files)


def zipped(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


def paragraph(text: str, style: str = "") -> str:
    """One of a Word file."""
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{named}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'
