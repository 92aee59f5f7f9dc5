"""The part of `engine.threads` that runs as machine code: handing a call to threads that wait actively, in LLVM IR.

A thread that sleeps takes tens of microseconds to wake up, and longer if it needs the interpreter's lock for that.
Many kernels do not take as long. So a helper that has done its part waits for the next call without sleeping, and
without the lock, for a millisecond or so.

All threads meet in a few numbers, which stand in lines of the cache of their own:

    busy      1 while somebody has the crew; one who comes meanwhile works alone
    ticket    odd while there is a call to help with; one higher for each opening and closing
    next      the next part of the call; who takes it adds one
    active    helpers that may be at it: counted before they look at the ticket, so that one who closes it and then sees
              none has all to himself again
    present   helpers that wait actively or work
    stop      1 when helpers shall leave
    job       function, argument, units, parts, and how many helpers may join; then the address of the system's function
              that lets other threads run, or 0
"""

from __future__ import annotations

LINE = 16
"""Numbers of 8 bytes that lie between those that different threads write: two lines of most caches."""

BUSY, TICKET, NEXT, ACTIVE, PRESENT, STOP, JOB = (LINE * i for i in range(7))
YIELD = JOB + 5
SIZE = LINE * 7

_PAUSE = {
    "x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "aarch64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"),
}
"""By processor, how it is told that a loop merely waits."""


def source(processor: str) -> str:
    """The module, for a processor as LLVM calls it.

    share(function, argument, units, parts, helpers, spins, crew)
        Call ``function(start, stop, argument)`` for all units. Returns when nobody is at it any more. After so many
        looks it lets others have the processor, as a helper may be waiting for one.
    serve(spins, crew)
        Be a helper, until nothing came for so many looks.
    """
    processor = {"arm64": "aarch64", "amd64": "x86_64"}.get(processor.lower(), processor)
    declaration, pause = _PAUSE.get(processor, ("", ""))
    places = "\n".join(
        f"  %{name} = getelementptr i64, ptr %crew, i64 {place}"
        for name, place in [
            ("busy", BUSY),
            ("ticket", TICKET),
            ("next", NEXT),
            ("active", ACTIVE),
            ("present", PRESENT),
            ("stop", STOP),
            *[(f"job.{field}", JOB + i) for i, field in enumerate(("function", "argument", "units", "parts", "most"))],
        ]
    )
    places += f"""
  %yield.at = getelementptr i64, ptr %crew, i64 {YIELD}
  %yield = load ptr, ptr %yield.at"""
    return f"""
{declaration}

define void @share(ptr %function, ptr %argument, i64 %units, i64 %parts, i64 %most, i64 %spins, ptr %crew) {{
{places}
  %had = cmpxchg ptr %busy, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue {{ i64, i1 }} %had, 1
  br i1 %free, label %open, label %alone
alone:
  call void %function(i64 0, i64 %units, ptr %argument)
  ret void
open:
  store ptr %function, ptr %job.function
  store ptr %argument, ptr %job.argument
  store i64 %units, ptr %job.units
  store i64 %parts, ptr %job.parts
  store i64 %most, ptr %job.most
  store i64 0, ptr %next
  %opened = atomicrmw add ptr %ticket, i64 1 seq_cst
  call void @work(ptr %crew)
  %closed = atomicrmw add ptr %ticket, i64 1 seq_cst
  call void @finish(i64 %spins, ptr %crew)
  ret void
}}

define void @finish(i64 %spins, ptr %crew) {{
begin:
{places}
  %yields = icmp ne ptr %yield, null
  br label %look
look:
  %n = phi i64 [ 0, %begin ], [ %n.next, %wait ], [ %n.next, %late ]
  %left = load atomic i64, ptr %active seq_cst, align 8
  %none = icmp eq i64 %left, 0
  br i1 %none, label %free, label %wait
wait:
  {pause}
  %n.next = add i64 %n, 1
  %enough = icmp sge i64 %n.next, %spins
  %give = and i1 %enough, %yields
  br i1 %give, label %late, label %look
late:
  %given = call i32 %yield()
  br label %look
free:
  store atomic i64 0, ptr %busy seq_cst, align 8
  ret void
}}

define void @work(ptr %crew) {{
begin:
{places}
  %function = load ptr, ptr %job.function
  %argument = load ptr, ptr %job.argument
  %units = load i64, ptr %job.units
  %parts = load i64, ptr %job.parts
  br label %take
take:
  %part = atomicrmw add ptr %next, i64 1 seq_cst
  %more = icmp slt i64 %part, %parts
  br i1 %more, label %do, label %done
do:
  %after = add i64 %part, 1
  %start.product = mul i64 %units, %part
  %stop.product = mul i64 %units, %after
  %start = sdiv i64 %start.product, %parts
  %end = sdiv i64 %stop.product, %parts
  call void %function(i64 %start, i64 %end, ptr %argument)
  br label %take
done:
  ret void
}}

define void @serve(i64 %spins, ptr %crew) {{
begin:
{places}
  %came = atomicrmw add ptr %present, i64 1 seq_cst
  br label %look
look:
  %n = phi i64 [ 0, %begin ], [ %n.next, %wait ], [ 0, %left ]
  %seen = phi i64 [ 0, %begin ], [ %seen, %wait ], [ %now, %left ]
  %shown = load atomic i64, ptr %ticket seq_cst, align 8
  %bit = and i64 %shown, 1
  %open = icmp eq i64 %bit, 1
  %new = icmp ne i64 %shown, %seen
  %try = and i1 %open, %new
  br i1 %try, label %join, label %wait
wait:
  {pause}
  %n.next = add i64 %n, 1
  %stopped = load atomic i64, ptr %stop seq_cst, align 8
  %told = icmp ne i64 %stopped, 0
  %long = icmp sge i64 %n.next, %spins
  %leave = or i1 %told, %long
  br i1 %leave, label %out, label %look
join:
  %before = atomicrmw add ptr %active, i64 1 seq_cst
  %now = load atomic i64, ptr %ticket seq_cst, align 8
  %now.bit = and i64 %now, 1
  %still = icmp eq i64 %now.bit, 1
  br i1 %still, label %wanted, label %left
wanted:
  %most = load i64, ptr %job.most
  %room = icmp slt i64 %before, %most
  br i1 %room, label %help, label %left
help:
  call void @work(ptr %crew)
  br label %left
left:
  %ended = atomicrmw sub ptr %active, i64 1 seq_cst
  br label %look
out:
  %went = atomicrmw sub ptr %present, i64 1 seq_cst
  ret void
}}
"""
