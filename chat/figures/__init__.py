"""What an installation or an organization asks of itself: figures, charts and tables, each a bounded question.

Read by the admin's first screen (`chat/admin/overview`) and by the page of an organization (`chat/page/figures`).
"""
