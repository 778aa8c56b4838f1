using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Ingestion.Tests;

/// <summary>What another host of ours has admitted, and told its device.</summary>
public sealed class AdmittedTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly DeviceSession Host = DeviceSession.ForAdmitted(Pipeline.Plant, DeviceId.Parse("host"));

    [Fact]
    public async Task It_is_not_asked_for_again_what_a_device_is()
    {
        await using var pipeline = new Pipeline(add: services => services.AddSingleton<IAdmissionPolicy, Closed>());
        await pipeline.StartAsync();
        Assert.Equal(IngestReason.TenantInactive, pipeline.Submit(Pipeline.Session(Pipeline.Plant), 1).Reason);
        var receipt = pipeline.Submit(Host, 2);
        Assert.Equal(IngestReason.None, receipt.Settle(await receipt.Commit!.WaitAsync(Patience)));
        Assert.Equal([2], pipeline.Sink.ValuesOf(Pipeline.Plant));
    }

    [Fact]
    public async Task Its_times_may_be_of_long_ago_and_are_kept()
    {
        var time = new DateTime(1926, 5, 1, 12, 0, 0, DateTimeKind.Utc);
        await using var pipeline = new Pipeline();
        await pipeline.StartAsync();
        Assert.Equal(IngestReason.TimestampOutOfRange, Submit(pipeline, Pipeline.Session(Pipeline.Plant), time).Reason);
        var receipt = Submit(pipeline, Host, time);
        await receipt.Commit!.WaitAsync(Patience);
        Assert.Equal([time], pipeline.Sink.Times);
    }

    [Fact]
    public async Task It_is_bounded_and_checked_as_any_other()
    {
        await using var pipeline = new Pipeline(options =>
        {
            options.MaxLaneFrames = 1024;
            options.Limits.MaxMessageBytes = 4096;
        });
        var tooLarge = new byte[4097];
        Assert.Equal(
            IngestReason.MessageTooLarge,
            pipeline.Ingress.Submit(Host, new TelemetryMessage(RecordDecoder.Records, tooLarge)).Reason
        );
        Assert.Equal(IngestReason.Malformed, pipeline.Submit(Host, -10, 3).Reason);
        Assert.Equal(IngestStatus.Accepted, pipeline.Submit(Host, 0, 1024).Status);
        Assert.Equal(IngestReason.LaneFull, pipeline.Submit(Host, 1).Reason);
    }

    private static IngestReceipt Submit(Pipeline pipeline, DeviceSession session, DateTime time) =>
        pipeline.Ingress.Submit(session, new TelemetryMessage(PayloadFormat.Json, """{"data":{"n":1}}"""u8) { ReceivedAt = time });

    private sealed class Closed : IAdmissionPolicy
    {
        public AdmissionDecision Admit(DeviceSession session, int payloadBytes) => new(IngestReason.TenantInactive);
    }
}
