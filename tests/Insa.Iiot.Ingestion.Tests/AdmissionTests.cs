using System.Diagnostics.Metrics;
using Insa.Iiot.Ingestion.Pipeline;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Insa.Iiot.Ingestion.Tests;

public sealed class AdmissionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_full_lane_holds_its_own_tenant_back_and_no_other()
    {
        await using var pipeline = new Pipeline(options => options.MaxLaneFrames = 1024);
        var plant = Pipeline.Session(Pipeline.Plant);
        Assert.Equal(IngestStatus.Accepted, pipeline.Submit(plant, 0, 1024).Status);
        Assert.Equal(IngestReason.LaneFull, pipeline.Submit(plant, 1024).Reason);
        Assert.Equal(IngestStatus.Accepted, pipeline.Submit(Pipeline.Session(Pipeline.Other), 0).Status);

        var room = pipeline.Ingress.WaitForCapacityAsync(plant).AsTask();
        Assert.False(room.IsCompleted);
        await pipeline.StartAsync();
        await room.WaitAsync(Patience);
        Assert.Equal(IngestStatus.Accepted, pipeline.Submit(plant, 1024).Status);
    }

    [Fact]
    public async Task Waiting_for_room_ends_with_its_token()
    {
        await using var pipeline = new Pipeline(options => options.MaxLaneFrames = 1024);
        var plant = Pipeline.Session(Pipeline.Plant);
        pipeline.Submit(plant, 0, 1024);
        using var cancel = new CancellationTokenSource();
        var room = pipeline.Ingress.WaitForCapacityAsync(plant, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => room);
    }

    [Fact]
    public async Task A_message_of_more_frames_than_a_chunk_is_taken_whole()
    {
        await using var pipeline = new Pipeline();
        var session = Pipeline.Session(Pipeline.Plant);
        pipeline.Submit(session, 0);
        var receipt = pipeline.Submit(session, 1, 5000);
        pipeline.Submit(session, 5001);
        await pipeline.StartAsync();
        await receipt.Commit!.WaitAsync(Patience);
        var drained = pipeline.Submit(session, 5002);
        await drained.Commit!.WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(0, 5003).Select(i => (double)i), pipeline.Sink.ValuesOf(Pipeline.Plant));
    }

    [Fact]
    public async Task A_flood_of_one_tenant_delays_another_by_one_batch_at_most()
    {
        await using var pipeline = new Pipeline(options => options.MaxBatchFrames = 2048);
        var flood = Pipeline.Session(Pipeline.Plant);
        for (var i = 0; i < 30; i++)
            pipeline.Submit(flood, i * 1000, 1000);
        var quiet = pipeline.Submit(Pipeline.Session(Pipeline.Other), 7);
        await pipeline.StartAsync();
        await quiet.Commit!.WaitAsync(Patience);

        var position = pipeline.Sink.Batches.FindIndex(batch => batch.Any(row => row.Tenant == Pipeline.Other));
        Assert.InRange(position, 0, 1);
    }

    [Fact]
    public async Task A_malformed_message_is_kept_and_its_receipt_completes_when_it_is()
    {
        await using var pipeline = new Pipeline();
        pipeline.DeadLetters.Gate = new TaskCompletionSource();
        await pipeline.StartAsync();
        var receipt = pipeline.Ingress.Submit(
            Pipeline.Session(Pipeline.Plant),
            new TelemetryMessage(RecordDecoder.Records, [1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
        );
        Assert.Equal((IngestStatus.Rejected, IngestReason.Malformed), (receipt.Status, receipt.Reason));
        Assert.False(receipt.Commit!.IsCompleted);
        pipeline.DeadLetters.Gate.SetResult();
        await receipt.Commit.WaitAsync(Patience);
        var letter = Assert.Single(pipeline.DeadLetters.Letters);
        Assert.Equal([1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], letter.Payload.ToArray());
        Assert.Equal("press", letter.Device.Value);
    }

    [Fact]
    public async Task Bad_messages_cannot_fill_memory()
    {
        await using var pipeline = new Pipeline(options => options.MaxPendingDeadLetterBytes = 2 * (256 + 8));
        var session = Pipeline.Session(Pipeline.Plant);
        byte[] bad = [1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
        Assert.NotNull(pipeline.Ingress.Submit(session, new TelemetryMessage(RecordDecoder.Records, bad)).Commit);
        Assert.NotNull(pipeline.Ingress.Submit(session, new TelemetryMessage(RecordDecoder.Records, bad)).Commit);
        Assert.Null(pipeline.Ingress.Submit(session, new TelemetryMessage(RecordDecoder.Records, bad)).Commit);
        Assert.NotNull(pipeline.Ingress.Submit(Pipeline.Session(Pipeline.Other), new TelemetryMessage(RecordDecoder.Records, bad)).Commit);
    }

    [Fact]
    public async Task A_decoder_that_throws_costs_its_own_message_only()
    {
        await using var pipeline = new Pipeline();
        var session = Pipeline.Session(Pipeline.Plant);
        Assert.Equal(IngestReason.Malformed, pipeline.Submit(session, -10, 3).Reason);
        var good = pipeline.Submit(session, 1);
        await pipeline.StartAsync();
        await good.Commit!.WaitAsync(Patience);
        Assert.Equal([1], pipeline.Sink.ValuesOf(Pipeline.Plant));
    }

    [Fact]
    public async Task What_must_not_come_in_is_refused_with_its_reason()
    {
        await using var pipeline = new Pipeline(options => options.Limits.MaxMessageBytes = 64);
        var session = Pipeline.Session(Pipeline.Plant);
        Assert.Equal(
            IngestReason.MessageTooLarge,
            pipeline.Ingress.Submit(session, new TelemetryMessage(RecordDecoder.Records, new byte[65])).Reason
        );
        Assert.Equal(
            IngestReason.UnsupportedFormat,
            pipeline.Ingress.Submit(session, new TelemetryMessage(new PayloadFormat("a/b"), new byte[8])).Reason
        );
        Assert.Equal(
            IngestReason.DeviceNotAllowed,
            pipeline.Ingress.Submit(session, new TelemetryMessage(RecordDecoder.Records, new byte[8]) { Device = "pump"u8 }).Reason
        );
        Assert.Equal(IngestReason.Empty, pipeline.Submit(session, 1, 0).Reason);
    }

    [Fact]
    public async Task A_policy_can_throttle_and_can_refuse()
    {
        var policy = new ScriptedPolicy();
        await using var pipeline = new Pipeline(add: services => services.AddSingleton<IAdmissionPolicy>(policy));
        var session = Pipeline.Session(Pipeline.Plant);
        policy.Decision = new AdmissionDecision(IngestReason.RateLimited, TimeSpan.FromSeconds(3));
        var throttled = pipeline.Submit(session, 1);
        Assert.Equal((IngestStatus.Throttled, TimeSpan.FromSeconds(3)), (throttled.Status, throttled.RetryAfter));
        policy.Decision = new AdmissionDecision(IngestReason.TenantInactive);
        Assert.Equal(
            (IngestStatus.Rejected, IngestReason.TenantInactive),
            (pipeline.Submit(session, 1).Status, pipeline.Submit(session, 1).Reason)
        );
    }

    [Fact]
    public async Task What_there_is_no_room_for_is_not_charged()
    {
        var policy = new ScriptedPolicy();
        await using var pipeline = new Pipeline(
            options => options.MaxLaneFrames = 1024,
            services => services.AddSingleton<IAdmissionPolicy>(policy)
        );
        var session = Pipeline.Session(Pipeline.Plant);
        Assert.Equal(IngestStatus.Accepted, pipeline.Submit(session, 0, 1024).Status);
        Assert.Equal(IngestStatus.Busy, pipeline.Submit(session, 1024).Status);
        Assert.Equal(1, policy.Asked);
    }

    [Fact]
    public async Task The_ledger_of_a_tenant_balances()
    {
        await using var pipeline = new Pipeline();
        using var received = Collect(pipeline, "received");
        using var committed = Collect(pipeline, "committed");
        using var rejected = Collect(pipeline, "rejected");
        using var dead = Collect(pipeline, "dead_lettered");
        using var inFlight = Collect(pipeline, "in_flight");
        var session = Pipeline.Session(Pipeline.Plant);
        IngestReceipt last = default;
        for (var i = 0; i < 50; i++)
        {
            last = pipeline.Submit(session, i);
            pipeline.Submit(session, i, 0);
            pipeline.Ingress.Submit(session, new TelemetryMessage(RecordDecoder.Records, new byte[8]) { Device = "pump"u8 });
        }

        Assert.Equal(100, Read(inFlight));
        await pipeline.StartAsync();
        await last.Commit!.WaitAsync(Patience);
        var kept = pipeline.Submit(session, 1, 0);
        await kept.Commit!.WaitAsync(Patience);
        Assert.Equal((151, 50, 50, 51, 0), (Read(received), Read(committed), Read(rejected), Read(dead), Read(inFlight)));
    }

    [Fact]
    public async Task An_observer_sees_what_was_committed_and_cannot_fail_it()
    {
        var observer = new RecordingObserver();
        await using var pipeline = new Pipeline(add: services =>
            services.AddSingleton<ITelemetryObserver, ThrowingObserver>().AddSingleton<ITelemetryObserver>(observer)
        );
        await pipeline.StartAsync();
        var receipt = pipeline.Submit(Pipeline.Session(Pipeline.Plant), 42);
        Assert.Equal(IngestReason.None, receipt.Settle(await receipt.Commit!.WaitAsync(Patience)));
        Assert.Equal(42, await observer.First.Task.WaitAsync(Patience));
    }

    [Fact]
    public void Every_option_out_of_range_is_named()
    {
        var options = new IngestionOptions
        {
            MaxLaneFrames = 1,
            SinkConcurrency = 0,
            MaxRetryDelay = TimeSpan.Zero,
        };
        options.Limits.MaxMessageBytes = 0;
        var result = new IngestionOptionsValidator().Validate(null, options);
        foreach (var name in (string[])["MaxLaneFrames", "SinkConcurrency", "MaxRetryDelay", "Limits.MaxMessageBytes"])
            Assert.Contains(name, result.FailureMessage, StringComparison.Ordinal);
        Assert.True(new IngestionOptionsValidator().Validate(null, new IngestionOptions()).Succeeded);
    }

    [Fact]
    public async Task An_accepted_message_allocates_nothing_of_its_own()
    {
        await using var pipeline = new Pipeline();
        var session = Pipeline.Session(Pipeline.Plant);
        byte[] payload = [1, 0, 0, 0, 1, 0, 0, 0];
        void SubmitMany()
        {
            for (var i = 0; i < 500; i++)
                pipeline.Ingress.Submit(session, new TelemetryMessage(RecordDecoder.Records, payload));
        }

        SubmitMany();
        var before = GC.GetAllocatedBytesForCurrentThread();
        SubmitMany();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static MetricCollector<long> Collect(Pipeline pipeline, string name) =>
        new(pipeline.Get<IMeterFactory>(), "Insa.Iiot.Ingestion", "insa.iiot.ingestion.messages." + name);

    private static long Read(MetricCollector<long> collector)
    {
        collector.Clear();
        collector.RecordObservableInstruments();
        return collector.GetMeasurementSnapshot().Sum(measurement => measurement.Value);
    }

    private sealed class ScriptedPolicy : IAdmissionPolicy
    {
        public AdmissionDecision Decision { get; set; }

        public int Asked { get; private set; }

        public AdmissionDecision Admit(DeviceSession session, int payloadBytes)
        {
            Asked++;
            return Decision;
        }
    }

    private sealed class ThrowingObserver : ITelemetryObserver
    {
        public ValueTask OnCommittedAsync(TelemetryBatch batch, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("An observer with a bug.");
    }

    private sealed class RecordingObserver : ITelemetryObserver
    {
        public TaskCompletionSource<double> First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask OnCommittedAsync(TelemetryBatch batch, CancellationToken cancellationToken)
        {
            First.TrySetResult(batch.Chunks[0][0].GetValue(0).AsDouble());
            return default;
        }
    }
}
