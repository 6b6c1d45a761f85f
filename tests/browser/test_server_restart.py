from playwright.sync_api import expect


def test_open_page_says_that_the_server_is_gone_and_loads_itself_again(screen, scene, finished_job):
    screen.open_map(scene.id, finished_job.id)
    screen.site.stop_server()
    expect(screen.page.get_by_text("The connection to the server is lost.")).to_be_visible()
    screen.site.start_server()
    expect(screen.page.get_by_text("The connection to the server is lost.")).to_be_hidden()
    expect(screen.button("Extract here")).to_be_visible()
    assert finished_job.id in screen.page.url, "the page shows again what it showed before"
    screen.page.wait_for_timeout(500)
    screen.complaints.clear()  # refused connections are what this is about
