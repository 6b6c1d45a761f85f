"""What people used of what their tier gives them."""

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now_s
from models.job import BIG_ID


class QuotaUse(Base):
    """One use. What was used within a window is the sum of its lines: there is no counter that could disagree."""

    __tablename__ = "quota_uses"
    __table_args__ = (
        CheckConstraint("kind IN ('jobs', 'states')", name="kind_known"),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index(None, "user_id", "kind", "at"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    amount: Mapped[int] = mapped_column(Integer)
    at: Mapped[float] = mapped_column(Double, server_default=now_s())
