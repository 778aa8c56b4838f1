namespace Insa.Iiot.LoadTest.Copy;

/// <summary>One way to write the telemetry.</summary>
/// <param name="Name">How it is called on the command line.</param>
/// <param name="Description">How it is called in the table.</param>
/// <param name="MessagesPerBatch">What the sink commits at once; 0 for psql.</param>
/// <param name="Connections">How many batches are written at once.</param>
/// <param name="MetricsPerMessage">Values in a row.</param>
/// <param name="IsReplay">Whether every batch is compared with what is stored.</param>
/// <param name="IsStored">Whether all of it is stored already when the clock starts: the same messages come once more.</param>
internal sealed record CopyCase(
    string Name,
    string Description,
    int MessagesPerBatch = 0,
    int Connections = 1,
    int MetricsPerMessage = PlantSource.Metrics,
    bool IsReplay = false,
    bool IsStored = false
)
{
    /// <summary>The physical limit: what all others are compared with.</summary>
    public static CopyCase Narrow { get; } = new("narrow", "psql, narrow rows, bare heap", MetricsPerMessage: 1);

    public static CopyCase Bare { get; } = new("bare", "psql, frames, bare heap");

    public static CopyCase Frames { get; } = new("frames", "psql, frames, key and partitions");

    public static CopyCase Sink { get; } = new("sink", "sink, 10,000 messages a batch", 10_000);

    public static IReadOnlyList<CopyCase> All { get; } =
    [
        Narrow,
        Bare,
        Frames,
        Sink,
        new("sink2", "sink, 2 connections", 10_000, Connections: 2),
        new("replay", "sink, every batch compared", 10_000, IsReplay: true),
        new("replay2", "sink, compared, 2 connections", 10_000, Connections: 2, IsReplay: true),
        new("stored", "sink, all of it stored already", 10_000, IsStored: true),
        new("stored2", "sink, all stored, 2 connections", 10_000, Connections: 2, IsStored: true),
        new("small", "sink, 2,000 messages a batch", 2_000),
        new("small2", "sink, 2,000, 2 connections", 2_000, Connections: 2),
        new("single", "sink, 10,000 of 1 metric", 10_000, MetricsPerMessage: 1),
        new("single2", "sink, 10,000 of 1 metric, 2 connections", 10_000, Connections: 2, MetricsPerMessage: 1),
    ];

    public bool IsSink => MessagesPerBatch > 0;

    /// <summary>The table that it writes to.</summary>
    public string Table =>
        Name switch
        {
            "narrow" => "narrow",
            "bare" => "bare",
            _ => "iiot_data.telemetry_frame",
        };
}
