"""The tRPC doors: one small server of tRPC's wire, and the procedures of editorChat and chat."""
