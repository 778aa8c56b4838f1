using System.Security.Cryptography.X509Certificates;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Server;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>Takes connections from Kestrel, and asks whose they are if a certificate was shown.</summary>
internal sealed class CoapConnectionHandler(StreamServer server, CoapEndpointServices services) : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        if (server.IsStopping)
            return;
        try
        {
            var certificate = connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
            var session = certificate is null ? null : await AuthenticateAsync(certificate, connection).ConfigureAwait(false);
            if (certificate is null || session is not null)
                await server.RunAsync(connection, session).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or ConnectionResetException)
        {
            // The client is gone. What it had no answer to it asks again.
            services.Logger.ConnectionLost(connection.ConnectionId);
        }
        catch (Exception e)
        {
            services.Metrics.Refused("internal_error");
            services.Logger.ConnectionFailed(e, connection.ConnectionId);
        }
    }

    private async Task<DeviceSession?> AuthenticateAsync(X509Certificate2 certificate, ConnectionContext connection)
    {
        using var deadline = new CancellationTokenSource(services.Options.HandshakeTimeout, services.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, connection.ConnectionClosed);
        var output = new StreamOutput(connection.Transport.Output, server.OutputBudget);
        var (reason, diagnostic) = ("certificate_unknown", "this certificate stands for no device");
        try
        {
            var credential = DeviceCredential.FromClientCertificate(certificate);
            if (await services.Authenticator.AuthenticateAsync(credential, either.Token).ConfigureAwait(false) is { } session)
                return session.Over("coap");
        }
        catch (TelemetryStoreException e)
        {
            services.Logger.AuthenticatorUnavailable(e);
            (reason, diagnostic) = ("unavailable", "come back later");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            (reason, diagnostic) = ("unavailable", "come back later");
        }

        services.Metrics.Refused(reason);
        Signal.SendCsm(output, services.Options.MaxMessageBytes);
        Signal.Send(output, Signal.Abort, diagnostic: System.Text.Encoding.ASCII.GetBytes(diagnostic));
        output.Flush();
        await output
            .WhenDrainedAsync()
            .WaitAsync(services.Options.HandshakeTimeout, services.Time, connection.ConnectionClosed)
            .ConfigureAwait(false);
        return null;
    }
}
