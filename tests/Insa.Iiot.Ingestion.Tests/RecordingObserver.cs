namespace Insa.Iiot.Ingestion.Tests;

/// <summary>Keeps the values of the first batch that it is shown.</summary>
internal sealed class RecordingObserver : ITelemetryObserver
{
    private readonly TaskCompletionSource<List<double>> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<List<double>> Next => _next.Task;

    public ValueTask OnCommittedAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        var values = new List<double>();
        foreach (var chunk in batch.Chunks)
        {
            for (var i = 0; i < chunk.FrameCount; i++)
                values.Add(chunk[i].GetValue(0).AsDouble());
        }

        _next.TrySetResult(values);
        return ValueTask.CompletedTask;
    }
}
