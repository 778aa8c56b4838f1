using System.Diagnostics.Metrics;

namespace Insa.Iiot.Storage.Postgres.Diagnostics;

/// <summary>The package's instruments. What becomes of messages, the ingestion pipeline counts.</summary>
internal sealed class PostgresMetrics
{
    public const string MeterName = "Insa.Iiot.Storage.Postgres";

    private readonly Counter<long> _framesWritten;
    private readonly Counter<long> _framesIsolated;
    private readonly Counter<long> _replays;
    private readonly Histogram<double> _writeDuration;
    private readonly Counter<long> _setAside;
    private readonly Counter<long> _jobsRefused;

    public PostgresMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(MeterName);
        _framesWritten = meter.CreateCounter<long>("insa.iiot.postgres.frames.written", "{frame}", "Frames committed, by path.");
        _framesIsolated = meter.CreateCounter<long>(
            "insa.iiot.postgres.frames.isolated",
            "{frame}",
            "Frames the server refused, by reason."
        );
        _replays = meter.CreateCounter<long>("insa.iiot.postgres.replays", "{write}", "Writes that met frames that were stored already.");
        _writeDuration = meter.CreateHistogram<double>(
            "insa.iiot.postgres.write.duration",
            "s",
            "Time of one batch, all its transactions."
        );
        _setAside = meter.CreateCounter<long>(
            "insa.iiot.postgres.quarantined",
            "{row}",
            "Stored rows that could not be read and were set aside, by kind."
        );
        _jobsRefused = meter.CreateCounter<long>(
            "insa.iiot.postgres.jobs.refused",
            "{run}",
            "Runs of background jobs that were refused, by reason."
        );
    }

    /// <param name="path">From a fixed set: <c>copy</c>, <c>merge</c>.</param>
    /// <param name="frames">How many.</param>
    public void FramesWritten(string path, int frames) => _framesWritten.Add(frames, new KeyValuePair<string, object?>("path", path));

    /// <param name="reason">From a fixed set: <c>frame</c>, <c>name</c>, <c>time</c>: what of them the server refused.</param>
    public void FrameIsolated(string reason) => _framesIsolated.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <param name="kind">From a fixed set: <c>frame</c>, <c>chunk</c>.</param>
    /// <param name="rows">How many.</param>
    public void SetAside(string kind, long rows)
    {
        if (rows > 0)
            _setAside.Add(rows, new KeyValuePair<string, object?>("kind", kind));
    }

    /// <param name="reason">From a fixed set: <c>clock</c>.</param>
    public void JobsRefused(string reason) => _jobsRefused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Replayed() => _replays.Add(1);

    public void Written(TimeSpan duration) => _writeDuration.Record(duration.TotalSeconds);
}
