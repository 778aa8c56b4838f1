namespace Insa.Iiot.SampleHost.Api;

internal static class HealthEndpoints
{
    public static void MapHealth(this WebApplication app)
    {
        var health = app.MapGroup("/health").AllowAnonymous();
        health.MapGet("/live", () => "alive");
        health.MapGet(
            "/ready",
            async (IDeviceRegistry registry, CancellationToken cancellationToken) =>
            {
                try
                {
                    await registry.ListAsync(TenantId.Parse("default"), null, 1, cancellationToken);
                    return Results.Text("ready");
                }
                catch (TelemetryStoreException e)
                {
                    return Results.Problem(
                        e.Message,
                        title: "The store cannot be reached.",
                        statusCode: StatusCodes.Status503ServiceUnavailable
                    );
                }
            }
        );
    }
}
