using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

public sealed class WriteServiceTests
{
    private readonly SpaceWorld _world = new();

    [Fact]
    public async Task A_device_writes_its_value_and_whoever_reads_after_the_answer_finds_it()
    {
        using var device = _world.Device(Acme, "press-1");
        Assert.Equal(StatusCodes.Good, await WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of(30.5))));
        var taken = Assert.Single(_world.Ingress.Taken);
        Assert.Equal(("press-1", "opcua", Acme), (taken.Device.Value, taken.Session.Protocol, taken.Session.Tenant));
        Assert.Equal((TelemetryValue.Of(30.5), TelemetryQuality.Good), taken.Values["temp"]);
        Assert.Equal(Variant.Of(30.5), (await ReadAsync(device, Id("press-1/temp"))).Value);
    }

    [Fact]
    public async Task The_answer_waits_for_the_commit()
    {
        _world.Ingress.IsHolding = true;
        using var device = _world.Device(Acme, "press-1");
        await ReadAsync(device, Id("press-1/temp"));
        var write = WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of(30.5)));
        Assert.True(device.Context!.IsKept);
        Assert.False(write.IsCompleted);
        _world.Ingress.Release();
        Assert.Equal(StatusCodes.Good, await write);
    }

    [Fact]
    public async Task A_value_that_the_store_refuses_is_not_shown_as_written()
    {
        _world.Ingress.IsHolding = true;
        using var device = _world.Device(Acme, "press-1");
        await ReadAsync(device, Id("press-1/temp"));
        var write = WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of(30.5)));
        _world.Ingress.Release(CommitResult.Failed(IngestReason.Unstorable, isKept: true));
        Assert.Equal(StatusCodes.BadOutOfRange, await write);
        Assert.Equal(Variant.Of(21.5), (await ReadAsync(device, Id("press-1/temp"))).Value);
    }

    [Fact]
    public async Task A_write_waits_when_there_is_no_room()
    {
        _world.Ingress.TimesBusy = 3;
        using var device = _world.Device(Acme, "press-1");
        Assert.Equal(StatusCodes.Good, await WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of(30.5))));
        Assert.Single(_world.Ingress.Taken);
    }

    [Fact]
    public async Task Status_and_source_timestamp_are_kept()
    {
        using var device = _world.Device(Acme, "press-1");
        var time = UaDateTime.FromTicks(Now.AddSeconds(30).Ticks);
        var written = new DataValue(Variant.Of(30.5), StatusCodes.UncertainSubstituteValue, time);
        Assert.Equal(StatusCodes.Good, await WriteAsync(device, Id("press-1/temp"), written));
        Assert.Equal(Now.AddSeconds(30), _world.Ingress.Taken[0].Time);
        Assert.Equal(TelemetryQuality.Uncertain | TelemetryQuality.Substituted, _world.Ingress.Taken[0].Values["temp"].Quality);
        var read = await ReadAsync(device, Id("press-1/temp"));
        Assert.Equal((StatusCodes.UncertainSubstituteValue, time), (read.Status, read.SourceTimestamp));
    }

    [Fact]
    public async Task A_status_alone_is_of_the_value_that_is_there()
    {
        using var device = _world.Device(Acme, "press-1");
        Assert.Equal(StatusCodes.Good, await WriteAsync(device, Id("press-1/temp"), DataValue.Of(StatusCodes.BadSensorFailure)));
        Assert.Equal((TelemetryValue.Of(21.5), TelemetryQuality.Bad), _world.Ingress.Taken[0].Values["temp"]);
    }

    [Fact]
    public async Task A_server_timestamp_cannot_be_written()
    {
        using var device = _world.Device(Acme, "press-1");
        var written = new DataValue(Variant.Of(1.0), ServerTimestamp: UaDateTime.FromTicks(Now.Ticks));
        Assert.Equal(StatusCodes.BadWriteNotSupported, await WriteAsync(device, Id("press-1/temp"), written));
        Assert.Empty(_world.Ingress.Taken);
    }

    [Fact]
    public async Task A_time_too_far_off_is_out_of_range()
    {
        using var device = _world.Device(Acme, "press-1");
        var written = new DataValue(Variant.Of(1.0), SourceTimestamp: UaDateTime.FromTicks(Now.AddDays(1).Ticks));
        Assert.Equal(StatusCodes.BadOutOfRange, await WriteAsync(device, Id("press-1/temp"), written));
    }

    [Fact]
    public async Task Values_of_another_type_do_not_match()
    {
        using var device = _world.Device(Acme, "press-1");
        Assert.Equal(StatusCodes.BadTypeMismatch, await WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of("hot"))));
        Assert.Equal(StatusCodes.BadTypeMismatch, await WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of(1f))));
        Assert.Equal(StatusCodes.BadTypeMismatch, await WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of([1.0]))));
        Assert.Equal(StatusCodes.BadTypeMismatch, await WriteAsync(device, Id("press-1/temp"), default));
        Assert.Equal(StatusCodes.BadTypeMismatch, await WriteAsync(device, Id("press-1/count"), new DataValue(Variant.Of(1))));
        Assert.Equal(StatusCodes.BadOutOfRange, await WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of(double.NaN))));
        Assert.Empty(_world.Ingress.Taken);
    }

    [Fact]
    public async Task The_least_and_the_greatest_value_of_each_type_are_written()
    {
        using var device = _world.Device(Acme, "press-1");
        foreach (
            var (metric, value) in ((string, Variant)[])
                [
                    ("temp", Variant.Of(double.MinValue)),
                    ("temp", Variant.Of(double.MaxValue)),
                    ("count", Variant.Of(long.MinValue)),
                    ("count", Variant.Of(long.MaxValue)),
                    ("running", Variant.Of(false)),
                    ("mode", Variant.Of("")),
                    ("mode", Variant.Of("Grüße 漢字")),
                ]
        )
        {
            Assert.Equal(StatusCodes.Good, await WriteAsync(device, Id("press-1/" + metric), new DataValue(value)));
            Assert.Equal(value, (await ReadAsync(device, Id("press-1/" + metric))).Value);
        }
    }

    [Fact]
    public async Task Only_values_of_metrics_can_be_written()
    {
        using var device = _world.Device(Acme, "press-1");
        var value = new DataValue(Variant.Of("x"));
        Assert.Equal(StatusCodes.BadNotWritable, await WriteAsync(device, Id("press-1/temp"), value, AttributeId.DisplayName));
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, await WriteAsync(device, Id("press-1/temp"), value, AttributeId.Executable));
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, await WriteAsync(device, Id("press-1/temp"), value, (AttributeId)99));
        Assert.Equal(StatusCodes.BadAttributeIdInvalid, await WriteAsync(device, Id("press-1"), value));
        Assert.Equal(StatusCodes.BadNotWritable, await WriteAsync(device, Id("press-1#Name"), value));
        Assert.Equal(StatusCodes.BadNotWritable, await WriteAsync(device, Id("press-1#EURange/temp"), value));
        Assert.Equal(StatusCodes.BadNotWritable, await WriteAsync(device, NodeId.Of(NodeIds.Server_ServerStatus_State), value));
        Assert.Equal(StatusCodes.BadNodeIdUnknown, await WriteAsync(device, Id("nothing/temp"), value));
        Assert.Equal(StatusCodes.BadNodeIdInvalid, await WriteAsync(device, default, value));
    }

    [Fact]
    public async Task Parts_of_values_cannot_be_written()
    {
        using var device = _world.Device(Acme, "press-1");
        Assert.Equal(
            StatusCodes.BadIndexRangeNoData,
            await WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of(1.0)), range: "0")
        );
        Assert.Equal(
            StatusCodes.BadWriteNotSupported,
            await WriteAsync(device, Id("press-1/mode"), new DataValue(Variant.Of("x")), range: "0")
        );
        Assert.Equal(
            StatusCodes.BadIndexRangeInvalid,
            await WriteAsync(device, Id("press-1/temp"), new DataValue(Variant.Of(1.0)), range: "2:1")
        );
    }

    [Fact]
    public async Task A_user_without_the_permission_is_denied()
    {
        using var reader = _world.Client(Acme, User(Acme, "devices:read", "telemetry:read"));
        Assert.Equal(StatusCodes.BadUserAccessDenied, await WriteAsync(reader, Id("press-1/temp"), new DataValue(Variant.Of(1.0))));
        using var writer = _world.Client(Acme);
        Assert.Equal(StatusCodes.Good, await WriteAsync(writer, Id("press-1/temp"), new DataValue(Variant.Of(1.0))));
        Assert.Equal("press-1", _world.Ingress.Taken[0].Session.Device.Value);
    }

    [Fact]
    public async Task A_device_may_write_a_metric_that_it_has_not_had_and_a_user_may_not()
    {
        using var device = _world.Device(Acme, "press-1");
        Assert.Equal(StatusCodes.Good, await WriteAsync(device, Id("press-1/new"), new DataValue(Variant.Of((ushort)5))));
        Assert.Equal(Variant.Of(5L), (await ReadAsync(device, Id("press-1/new"))).Value);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, await WriteAsync(device, Id("press-2/new"), new DataValue(Variant.Of(5.0))));
        using var user = _world.Client(Acme);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, await WriteAsync(user, Id("press-1/other"), new DataValue(Variant.Of(5.0))));
    }

    [Fact]
    public async Task Many_values_share_frames_and_each_has_its_own_result()
    {
        using var device = _world.Device(Acme, "press-1", "press-2");
        var response = await device.CallAsync<WriteResponse>(
            Write(
                (Id("press-1/temp"), new DataValue(Variant.Of(1.0)), AttributeId.Value, null),
                (Id("press-1/level"), new DataValue(Variant.Of(2.0)), AttributeId.Value, null),
                (Id("press-1/level"), new DataValue(Variant.Of("wrong")), AttributeId.Value, null),
                (Id("press-1/temp"), new DataValue(Variant.Of(3.0)), AttributeId.Value, null),
                (Id("press-2/temp"), new DataValue(Variant.Of(4.0)), AttributeId.Value, null)
            )
        );
        Assert.Equal(
            [StatusCodes.Good, StatusCodes.Good, StatusCodes.BadTypeMismatch, StatusCodes.Good, StatusCodes.Good],
            response.Results!
        );
        Assert.Equal(
            ["press-1: temp level", "press-1: temp", "press-2: temp"],
            _world.Ingress.Taken.Select(taken => $"{taken.Device}: {string.Join(' ', taken.Values.Keys)}")
        );
        Assert.Equal(2, _world.Ingress.Taken.Take(2).Select(taken => taken.Time).Distinct().Count());
        Assert.Equal(Variant.Of(3.0), (await ReadAsync(device, Id("press-1/temp"))).Value);
    }

    [Fact]
    public async Task A_call_without_values_or_with_too_many_is_refused()
    {
        using var device = _world.Device(Acme, "press-1");
        Assert.Equal(StatusCodes.BadNothingToDo, await device.FaultAsync(Write()));
        var value = (Id("press-1/temp"), new DataValue(Variant.Of(1.0)), AttributeId.Value, (string?)null);
        Assert.Equal(StatusCodes.BadTooManyOperations, await device.FaultAsync(Write(Enumerable.Repeat(value, 1001).ToArray())));
    }
}
