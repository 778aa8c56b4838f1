using System.Text.Json;
using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Server.Methods;

/// <summary>The methods of devices. All go through the device's command queue, so a device gets them by whatever protocol it is connected.</summary>
internal sealed class DeviceMethods(IDeviceCommands? commands = null) : IMethodModule
{
    /// <summary>The name of the command that SetStatus sends, with <c>{"status":"…"}</c>.</summary>
    public const string SetStatusCommand = "set-status";

    // The ids of our node set.
    private const uint SetStatus = 30;
    private const uint SendCommand = 33;
    private const uint GetCommand = 36;
    private const uint CancelCommand = 39;

    private static readonly TimeSpan _shortestLifetime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestLifetime = TimeSpan.FromDays(30);

    public void Register(MethodTable table)
    {
        table.Add(SetStatus, StandardNodes.TypesNamespace, SetStatusAsync);
        table.Add(SendCommand, StandardNodes.TypesNamespace, SendCommandAsync);
        table.Add(GetCommand, StandardNodes.TypesNamespace, GetCommandAsync);
        table.Add(CancelCommand, StandardNodes.TypesNamespace, CancelCommandAsync);
    }

    private ValueTask<MethodAnswer> SetStatusAsync(MethodCall call, CancellationToken cancellationToken)
    {
        var data = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(data))
        {
            json.WriteStartObject();
            json.WriteString("status", call.Arguments[0].Text ?? "");
            json.WriteEndObject();
        }

        var request = new DeviceCommandRequest
        {
            Name = SetStatusCommand,
            Data = data.WrittenMemory,
            NeedsAnswer = true,
        };
        return SendAsync(call, request, cancellationToken);
    }

    private ValueTask<MethodAnswer> SendCommandAsync(MethodCall call, CancellationToken cancellationToken)
    {
        var milliseconds = call.Arguments[3].Double;
        var request = new DeviceCommandRequest
        {
            Name = call.Arguments[0].Text ?? "",
            Data = System.Text.Encoding.UTF8.GetBytes(call.Arguments[1].Text ?? ""),
            NeedsAnswer = call.Arguments[2].Boolean,
        };

        // Not to say how long is a lifetime of 0.
        if (milliseconds == 0)
            return SendAsync(call, request, cancellationToken);
        if (!(milliseconds >= _shortestLifetime.TotalMilliseconds && milliseconds <= _longestLifetime.TotalMilliseconds))
            return new(StatusCodes.BadOutOfRange);
        return SendAsync(call, request with { Lifetime = TimeSpan.FromMilliseconds(milliseconds) }, cancellationToken);
    }

    private async ValueTask<MethodAnswer> SendAsync(MethodCall call, DeviceCommandRequest request, CancellationToken cancellationToken)
    {
        if (Refusal(call) is { IsGood: false } refusal)
            return refusal;
        try
        {
            var command = await commands!
                .SendAsync(call.Space.Space.Tenant, call.Object.Device.Id, request, cancellationToken)
                .ConfigureAwait(false);
            return MethodAnswer.Good(Variant.Of(command.Id));
        }
        catch (ArgumentException)
        {
            return StatusCodes.BadInvalidArgument;
        }
        catch (LimitReachedException)
        {
            return StatusCodes.BadTooManyOperations;
        }
        catch (TelemetryStoreException)
        {
            return StatusCodes.BadResourceUnavailable;
        }
    }

    private async ValueTask<MethodAnswer> GetCommandAsync(MethodCall call, CancellationToken cancellationToken)
    {
        if (Refusal(call) is { IsGood: false } refusal)
            return refusal;
        try
        {
            var (tenant, device, id) = (call.Space.Space.Tenant, call.Object.Device.Id, call.Arguments[0].Int64);
            if (await commands!.FindAsync(tenant, device, id, cancellationToken).ConfigureAwait(false) is not { } command)
                return StatusCodes.BadNotFound;
            return MethodAnswer.Good(
                Variant.Of(command.Name),
                Variant.Of(command.State.ToString()),
                Variant.Of(command.Answer?.ContentType),
                Variant.OfByteString(command.Answer?.Data.ToArray())
            );
        }
        catch (TelemetryStoreException)
        {
            return StatusCodes.BadResourceUnavailable;
        }
    }

    private async ValueTask<MethodAnswer> CancelCommandAsync(MethodCall call, CancellationToken cancellationToken)
    {
        if (Refusal(call) is { IsGood: false } refusal)
            return refusal;
        try
        {
            var (tenant, device, id) = (call.Space.Space.Tenant, call.Object.Device.Id, call.Arguments[0].Int64);
            var command = await commands!.CancelAsync(tenant, device, id, cancellationToken).ConfigureAwait(false);
            return command is null ? StatusCodes.BadNotFound : MethodAnswer.Good(Variant.Of(command.State.ToString()));
        }
        catch (TelemetryStoreException)
        {
            return StatusCodes.BadResourceUnavailable;
        }
    }

    private StatusCode Refusal(MethodCall call)
    {
        if (commands is null)
            return StatusCodes.BadNotSupported;
        return call.Space.User.MayCommand ? StatusCodes.Good : StatusCodes.BadUserAccessDenied;
    }
}
