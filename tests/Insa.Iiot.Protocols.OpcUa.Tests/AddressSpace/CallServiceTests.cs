using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Types;
using static Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace.SpaceWorld;

namespace Insa.Iiot.Protocols.OpcUa.Tests.AddressSpace;

public sealed class CallServiceTests
{
    private static readonly NodeId _setStatus = Own(30);
    private static readonly NodeId _sendCommand = Own(33);
    private static readonly NodeId _getCommand = Own(36);
    private static readonly NodeId _cancelCommand = Own(39);

    private readonly SpaceWorld _world = new();

    [Fact]
    public async Task SetStatus_sends_the_device_a_command()
    {
        using var client = _world.Client(Acme);
        var result = await CallAsync(client, Id("press-1"), _setStatus, Variant.Of("maintenance"));
        Assert.Equal((StatusCodes.Good, Variant.Of(1L)), (result.StatusCode, Assert.Single(result.OutputArguments!)));
        var (tenant, command) = Assert.Single(_world.Commands.Sent);
        Assert.Equal((Acme, "press-1", "set-status"), (tenant, command.Device.Value, command.Name));
        Assert.Equal("""{"status":"maintenance"}""", System.Text.Encoding.UTF8.GetString(command.Data.Span));
    }

    [Fact]
    public async Task Any_command_can_be_sent_looked_up_and_taken_back()
    {
        using var client = _world.Client(Acme);
        var sent = await CallAsync(
            client,
            Id("press-1"),
            _sendCommand,
            Variant.Of("open"),
            Variant.Of("{}"),
            Variant.Of(true),
            Variant.Of(60_000.0)
        );
        Assert.Equal(StatusCodes.Good, sent.StatusCode);
        Assert.Equal(TimeSpan.FromMinutes(1), _world.Commands.Sent[0].Command.ExpiresAt - _world.Commands.Sent[0].Command.CreatedAt);
        var found = await CallAsync(client, Id("press-1"), _getCommand, sent.OutputArguments![0]);
        Assert.Equal(["open", "Waiting", null], found.OutputArguments!.Take(3).Select(output => output.Text));
        var cancelled = await CallAsync(client, Id("press-1"), _cancelCommand, sent.OutputArguments[0]);
        Assert.Equal("Cancelled", cancelled.OutputArguments![0].Text);
        Assert.Equal(StatusCodes.BadNotFound, (await CallAsync(client, Id("press-2"), _getCommand, sent.OutputArguments[0])).StatusCode);
        Assert.Equal(StatusCodes.BadNotFound, (await CallAsync(client, Id("press-1"), _cancelCommand, Variant.Of(99L))).StatusCode);
    }

    [Fact]
    public async Task A_command_that_is_not_valid_is_refused()
    {
        using var client = _world.Client(Acme);
        var nameless = await CallAsync(
            client,
            Id("press-1"),
            _sendCommand,
            Variant.Of(""),
            Variant.Of(""),
            Variant.Of(false),
            Variant.Of(0.0)
        );
        Assert.Equal(StatusCodes.BadInvalidArgument, nameless.StatusCode);
        foreach (var lifetime in (double[])[-1, 999, 1e30, double.NaN])
        {
            var result = await CallAsync(
                client,
                Id("press-1"),
                _sendCommand,
                Variant.Of("x"),
                Variant.Of(""),
                Variant.Of(false),
                Variant.Of(lifetime)
            );
            Assert.Equal(StatusCodes.BadOutOfRange, result.StatusCode);
        }
    }

    [Fact]
    public async Task Arguments_are_as_many_and_of_the_types_that_are_declared()
    {
        using var client = _world.Client(Acme);
        Assert.Equal(StatusCodes.BadArgumentsMissing, (await CallAsync(client, Id("press-1"), _setStatus)).StatusCode);
        Assert.Equal(
            StatusCodes.BadTooManyArguments,
            (await CallAsync(client, Id("press-1"), _setStatus, Variant.Of("a"), Variant.Of("b"))).StatusCode
        );
        var wrong = await CallAsync(
            client,
            Id("press-1"),
            _sendCommand,
            Variant.Of("x"),
            Variant.Of(1),
            Variant.Of(["y"]),
            Variant.Of(0.0)
        );
        Assert.Equal(StatusCodes.BadInvalidArgument, wrong.StatusCode);
        Assert.Equal(
            [StatusCodes.Good, StatusCodes.BadTypeMismatch, StatusCodes.BadTypeMismatch, StatusCodes.Good],
            wrong.InputArgumentResults!
        );
        Assert.Empty(_world.Commands.Sent);
    }

    [Fact]
    public async Task A_method_is_called_on_an_object_that_has_it()
    {
        using var client = _world.Client(Acme);
        var status = Variant.Of("x");
        Assert.Equal(StatusCodes.BadNodeIdUnknown, (await CallAsync(client, Id("nothing"), _setStatus, status)).StatusCode);
        Assert.Equal(StatusCodes.BadNodeIdInvalid, (await CallAsync(client, default, _setStatus, status)).StatusCode);
        Assert.Equal(StatusCodes.BadMethodInvalid, (await CallAsync(client, Id("press-1"), Own(999), status)).StatusCode);
        Assert.Equal(StatusCodes.BadMethodInvalid, (await CallAsync(client, Id("press-1"), Id("press-1/temp"), status)).StatusCode);
        Assert.Equal(StatusCodes.BadMethodInvalid, (await CallAsync(client, NodeId.Of(NodeIds.Server), _setStatus, status)).StatusCode);
        Assert.Equal(StatusCodes.BadMethodInvalid, (await CallAsync(client, NodeId.Of(3, 3), _setStatus, status)).StatusCode);
        Assert.Equal(StatusCodes.BadMethodInvalid, (await CallAsync(client, Own(10), _setStatus, status)).StatusCode);
    }

    [Fact]
    public async Task Commands_need_the_permission_and_devices_send_none()
    {
        using var reader = _world.Client(Acme, User(Acme, "devices:read", "telemetry:read", "telemetry:write"));
        Assert.Equal(StatusCodes.BadUserAccessDenied, (await CallAsync(reader, Id("press-1"), _setStatus, Variant.Of("x"))).StatusCode);
        using var device = _world.Device(Acme, "press-1");
        Assert.Equal(StatusCodes.BadUserAccessDenied, (await CallAsync(device, Id("press-1"), _setStatus, Variant.Of("x"))).StatusCode);
        Assert.Empty(_world.Commands.Sent);
    }

    [Fact]
    public async Task A_call_of_nothing_or_too_much_is_refused_and_the_same_method_may_stand_twice()
    {
        using var client = _world.Client(Acme);
        var call = new CallMethodRequest
        {
            ObjectId = Id("press-1"),
            MethodId = _setStatus,
            InputArguments = [Variant.Of("x")],
        };
        Assert.Equal(StatusCodes.BadNothingToDo, await client.FaultAsync(Request()));
        Assert.Equal(StatusCodes.BadTooManyOperations, await client.FaultAsync(Request(Enumerable.Repeat(call, 101).ToArray())));
        var response = await client.CallAsync<CallResponse>(Request(call, call));
        Assert.Equal([Variant.Of(1L), Variant.Of(2L)], response.Results!.Select(result => result.OutputArguments![0]));

        static CallRequest Request(params CallMethodRequest[] calls) =>
            new() { RequestHeader = new RequestHeader(), MethodsToCall = calls };
    }
}
