using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Protocols.Mqtt.Diagnostics;
using Insa.Iiot.Protocols.Mqtt.Packets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Mqtt.Connections;

/// <summary>Reads a CONNECT and finds out who it is from; says no by itself.</summary>
internal sealed class MqttHandshake(
    ConnectionContext transport,
    MqttEndpointOptions options,
    IDeviceAuthenticator authenticator,
    MqttMetrics metrics,
    TimeProvider time,
    ILogger logger
)
{
    private readonly PipeReader _input = transport.Transport.Input;
    private readonly PipeWriter _output = transport.Transport.Output;

    /// <returns>Whom to let in, or <see langword="null"/> if nobody; then the answer is sent.</returns>
    public async Task<ConnectRequest?> RunAsync()
    {
        using var deadline = new CancellationTokenSource(options.ConnectTimeout, time);
        try
        {
            if (await ReadAsync(deadline.Token).ConfigureAwait(false) is not { } body)
                return null;
            var request = await AuthenticateAsync(body, deadline.Token).ConfigureAwait(false);
            CryptographicOperations.ZeroMemory(body);
            return request;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            metrics.Refused("connect_timeout");
            return null;
        }
    }

    private async Task<byte[]?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var result = MqttFrame.TryRead(read.Buffer, options.MaxConnectPacketBytes, out var frame);
            if (result == FrameResult.Incomplete && !read.IsCompleted)
            {
                _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            if (result != FrameResult.Complete || frame.Type != MqttPacketType.Connect || frame.Flags != 0)
            {
                metrics.Refused(result == FrameResult.TooLarge ? "packet_too_large" : "no_connect");
                return null;
            }

            var body = read.Buffer.Slice(frame.HeaderLength, frame.BodyLength).ToArray();
            _input.AdvanceTo(read.Buffer.GetPosition(frame.Length));
            return body;
        }
    }

    private async Task<ConnectRequest?> AuthenticateAsync(byte[] body, CancellationToken cancellationToken)
    {
        var reason = Read(body, out var version, out var credential, out var make);
        DeviceSession? session = null;
        if (reason == MqttReason.Success)
        {
            try
            {
                session = await authenticator.AuthenticateAsync(credential!, cancellationToken).ConfigureAwait(false);
                if (session is null)
                    reason = MqttReason.BadUserNameOrPassword;
            }
            catch (TelemetryStoreException e)
            {
                logger.AuthenticatorUnavailable(e);
                reason = MqttReason.ServerUnavailable;
            }
        }

        if (session is not null)
            return make!(session.Over("mqtt"));

        metrics.Refused(MqttMetrics.NameOf(reason));
        if (reason != MqttReason.MalformedPacket)
        {
            MqttPacketWriter.WriteConnAck(_output, version, reason, options);
            await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        return null;
    }

    private MqttReason Read(byte[] body, out byte version, out DeviceCredential? credential, out Func<DeviceSession, ConnectRequest>? make)
    {
        credential = null;
        make = null;
        var reason = ConnectPacket.TryRead(body, out var packet);
        version = packet.Version;
        if (reason != MqttReason.Success)
            return reason;
        if (packet.HasAuthentication)
            return MqttReason.BadAuthenticationMethod;
        if (packet is { Version: 4, CleanStart: false, ClientId.IsEmpty: true })
            return MqttReason.ClientIdentifierNotValid;

        var userName = packet.HasUserName ? Encoding.UTF8.GetString(packet.UserName) : null;
        var certificate = transport.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
        credential = certificate is not null
            ? DeviceCredential.FromClientCertificate(certificate, userName)
            : DeviceCredential.FromPassword(userName ?? "", packet.Password.ToArray());

        var isAssigned = packet.ClientId.IsEmpty;
        var clientId = isAssigned ? "auto-" + Guid.NewGuid().ToString("N") : Encoding.UTF8.GetString(packet.ClientId);
        var (keepAlive, cleanStart, expiry) = (packet.KeepAlive, packet.CleanStart, packet.SessionExpiry);
        var (receiveMaximum, maximumPacketBytes, will, protocol) = (
            packet.ReceiveMaximum,
            packet.MaximumPacketBytes,
            packet.Will,
            packet.Version
        );
        make = session => new ConnectRequest
        {
            Version = protocol,
            Session = session,
            ClientId = clientId,
            IsClientIdAssigned = isAssigned,
            KeepAlive = keepAlive,
            CleanStart = cleanStart,
            SessionExpiry = Math.Min(expiry, (uint)options.MaxSessionExpiry.TotalSeconds),
            ReceiveMaximum = receiveMaximum,
            MaximumPacketBytes = maximumPacketBytes,
            Will = will,
        };
        return MqttReason.Success;
    }
}
