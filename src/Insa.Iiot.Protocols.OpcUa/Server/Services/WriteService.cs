using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server.Writing;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Services;

/// <summary>Write (OPC 10000-4 §5.10.4): telemetry of devices that the session is granted. The answer comes when all of it is durable.</summary>
internal sealed class WriteService(SessionSpaces spaces, ITelemetryIngress ingress, TimeProvider time) : IServiceModule
{
    private const int LeastBytes = 2 + 4 + 4 + 1;

    private long _lastTicks;

    public void Register(ServiceTable table) => table.Add(EncodingIds.WriteRequest, spaces.In(Write));

    private void Write(SessionSpace space, RequestContext context, ref UaReader reader)
    {
        var count = reader.ArrayLength(LeastBytes);
        if (ServiceRules.Check(reader, count, OperationLimits.NodesPerWrite) is { IsGood: false } fault)
        {
            context.Fault(fault);
            return;
        }

        var frames = new WriteFrames();
        var results = new StatusCode[count];
        var ticks = NextTicks();
        for (var i = 0; i < count && reader.Status.IsGood; i++)
        {
            var id = reader.NodeId();
            var attribute = (AttributeId)reader.UInt32();
            var range = reader.Utf8String();
            var value = reader.DataValue();
            if (reader.Status.IsGood)
                results[i] = Take(space, id, attribute, range, value, frames, i, ref ticks);
        }

        if (reader.Status.IsGood)
        {
            context.AnswerBy(WriteAsync(space.Space, context, frames, results));
            return;
        }

        frames.Dispose();
        context.Fault(reader.Status);
    }

    private StatusCode Take(
        SessionSpace space,
        NodeIdView id,
        AttributeId attribute,
        ReadOnlySpan<byte> range,
        in DataValue written,
        WriteFrames frames,
        int result,
        ref long ticks
    )
    {
        if (Find(space, id, out var device, out var metric, out var current) is { IsGood: false } unknown)
            return unknown;
        if (attribute != AttributeId.Value)
            return ofOther(space, id, attribute);
        if (device is null)
        {
            space.Find(id, out var node);
            return space.Space.IsSwitch(node)
                ? space.Space.WriteSwitch(written, !range.IsEmpty, space.User)
                : ofOther(space, id, attribute);
        }

        if (!space.User.MayWrite(device))
            return StatusCodes.BadUserAccessDenied;
        if (!IndexRanges.TryParse(range, out var part))
            return StatusCodes.BadIndexRangeInvalid;
        if (!part.IsNone)
            return current.Text is null ? StatusCodes.BadIndexRangeNoData : StatusCodes.BadWriteNotSupported;
        if (WriteRules.Convert(written, current, ticks, out var value) is { IsGood: false } refused)
            return refused;

        // A metric that stands twice in a request: the second value must not fall on the instant of the first.
        if (written.SourceTimestamp == 0 && frames.Frames.Count > 0 && !frames.Frames[^1].Takes(device, metric, ticks))
            value = value with { Ticks = ticks = NextTicks() };
        frames.Add(result, space.User.IngestSession(device), device, metric, value);
        return StatusCodes.Good;

        static StatusCode ofOther(SessionSpace space, NodeIdView id, AttributeId attribute)
        {
            space.Find(id, out var node);
            return node.IsNone || space.Space.Read(node, attribute, space.User).Status == StatusCodes.BadAttributeIdInvalid
                ? StatusCodes.BadAttributeIdInvalid
                : StatusCodes.BadNotWritable;
        }
    }

    // A device that is granted may write a metric that it has not had before.
    private static StatusCode Find(
        SessionSpace space,
        NodeIdView id,
        out DeviceNode? device,
        out ReadOnlySpan<byte> metric,
        out LatestValue current
    )
    {
        device = null;
        metric = default;
        current = default;
        var status = space.Find(id, out var node);
        if (status.IsGood)
        {
            if (node.Kind != NodeKind.Metric)
                return status;
            device = node.Device;
            metric = device.Shape.Names[node.Slot].Utf8;
            current = device.Read(node.Slot);
            return status;
        }

        var slash = id.Identifier.IndexOf((byte)'/');
        if (id is not { NamespaceIndex: TenantSpace.DevicesNamespace, Type: NodeIdType.String } || slash < 0)
            return status;
        if (
            space.User.Identity.Device is null
            || !space.Space.TryFindDevice(id.Identifier[..slash], out var granted)
            || !space.User.MayWrite(granted)
        )
            return status;
        device = granted;
        metric = id.Identifier[(slash + 1)..];
        return metric.IsEmpty || metric.Length > TelemetryLimits.MaxNameBytes ? StatusCodes.BadNodeIdInvalid : StatusCodes.Good;
    }

    private async ValueTask WriteAsync(TenantSpace space, RequestContext context, WriteFrames frames, StatusCode[] results)
    {
        using var owned = frames;
        foreach (var frame in frames.Frames)
            frame.Receipt = await SubmitAsync(frames, frame, context.Cancellation).ConfigureAwait(false);
        foreach (var frame in frames.Frames)
        {
            var reason = frame.Receipt.Reason;
            if (frame.Receipt is { Status: IngestStatus.Accepted, Commit: { } commit })
                reason = frame.Receipt.Settle(await commit.WaitAsync(context.Cancellation).ConfigureAwait(false));
            foreach (var value in frame.Values)
                results[value.Result] = WriteRules.ToStatus(reason);
            if (reason == IngestReason.None)
                Show(space, frame);
        }

        Respond(context, results);
    }

    private async ValueTask<IngestReceipt> SubmitAsync(WriteFrames frames, WriteFrame frame, CancellationToken cancellationToken)
    {
        while (true)
        {
            var receipt = Submit(frames, frame);
            if (receipt.Status != IngestStatus.Busy)
                return receipt;
            await ingress.WaitForCapacityAsync(frame.Session, cancellationToken).ConfigureAwait(false);
        }
    }

    private IngestReceipt Submit(WriteFrames frames, WriteFrame frame) =>
        ingress.Submit(
            frame.Session,
            new TelemetryMessage(WriteDecoder.WriteFormat, frames.PayloadOf(frame)) { Device = frame.Device.IdUtf8 }
        );

    // Whoever reads after the answer has to find what was written.
    private static void Show(TenantSpace space, WriteFrame frame)
    {
        var points = frame.Values.ConvertAll(value => new TelemetryPoint(
            value.Metric,
            new DateTime(value.Value.Ticks - (value.Value.Ticks % TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc),
            ToTelemetry(value.Value),
            value.Value.Quality
        ));
        space.Reconcile(frame.Device.Id, points, []);
    }

    private static TelemetryValue ToTelemetry(in LatestValue value) =>
        value.Kind switch
        {
            TelemetryValueKind.Double => TelemetryValue.Of(BitConverter.Int64BitsToDouble(value.Bits)),
            TelemetryValueKind.Long => TelemetryValue.Of(value.Bits),
            TelemetryValueKind.Bool => TelemetryValue.Of(value.Bits != 0),
            TelemetryValueKind.Text => TelemetryValue.OfText(System.Text.Encoding.UTF8.GetString(value.Text.AsSpan())),
            _ => TelemetryValue.OfJson(System.Text.Encoding.UTF8.GetString(value.Text.AsSpan())),
        };

    private static void Respond(RequestContext context, StatusCode[] results)
    {
        var writer = context.Begin(EncodingIds.WriteResponse);
        writer.ArrayLength(results.Length);
        foreach (var result in results)
            writer.StatusCode(result);
        writer.NullArray();
        context.End(ref writer);
    }

    // Strictly ascending to the microsecond, which is what is kept.
    private long NextTicks()
    {
        var now = time.GetUtcNow().UtcTicks;
        now -= now % TimeSpan.TicksPerMicrosecond;
        while (true)
        {
            var last = Volatile.Read(ref _lastTicks);
            var next = Math.Max(now, last + TimeSpan.TicksPerMicrosecond);
            if (Interlocked.CompareExchange(ref _lastTicks, next, last) == last)
                return next;
        }
    }
}
