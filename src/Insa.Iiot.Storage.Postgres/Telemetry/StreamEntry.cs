namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>A stream as this host knows it: its numbers, and how far it has come.</summary>
internal sealed class StreamEntry(int tenantNo, int streamNo)
{
    private long _newest = long.MinValue;

    public int TenantNo { get; } = tenantNo;

    public int StreamNo { get; } = streamNo;

    /// <summary>The newest time that was committed, in microseconds since 2000.</summary>
    public long Newest => Volatile.Read(ref _newest);

    /// <summary>The newest time that the database has been told of. Used by one task alone.</summary>
    public long Noted { get; set; } = long.MinValue;

    public void Committed(long time)
    {
        for (var newest = Newest; time > newest; )
        {
            var seen = Interlocked.CompareExchange(ref _newest, time, newest);
            if (seen == newest)
                return;
            newest = seen;
        }
    }
}
